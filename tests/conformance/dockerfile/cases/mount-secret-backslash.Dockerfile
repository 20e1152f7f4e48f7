# escape=`
FROM a
RUN --mount=type=secret,target=/a\b x
RUN --mount=type=secret,target=C:\c x
