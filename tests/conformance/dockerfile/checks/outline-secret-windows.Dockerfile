# escape=`
FROM scratch
RUN --mount=type=secret,target=C:\dir\name,required x
RUN --mount=type=secret,id=other,target=C:/other x
RUN --mount=type=secret,id=e,env=E x
