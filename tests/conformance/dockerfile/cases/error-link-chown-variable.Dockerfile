FROM a
ENV who=me
COPY --link --chown=$who <<x /y
z
x
