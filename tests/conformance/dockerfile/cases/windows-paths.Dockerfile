# escape=`
FROM windowsimage AS base
USER me
FROM base AS built
WORKDIR C:\app\..\work
COPY src\a.txt other/b.txt C:\Dest\
COPY --from=base C:/Users .
WORKDIR sub\deep
ADD ["C:\\files\\x", "\\absolute\\"]
COPY <<note.txt <<other.txt docs\
hello
note.txt
other
other.txt
COPY --parents a\b\.\c\d.txt .\here\
RUN dir C:\
RUN ["cmd", "/C", "echo"]
RUN <<EOF2
#!echo hi
dir
EOF2
SHELL ["powershell", "-Command"]
RUN Get-Date
ENTRYPOINT run.exe
CMD ["a"]
FROM scratch
COPY --from=base \work \
WORKDIR \made
ENV A=b
