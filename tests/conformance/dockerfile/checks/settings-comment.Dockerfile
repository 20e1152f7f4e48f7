FROM busybox
# check=skip=WorkdirRelativePath and why
WORKDIR x
# check=error=true;skip=JSONArgsRecommended
CMD x
# check=skip=all
# check=skip=none
ENTRYPOINT x
# check=what
ENTRYPOINT x
#check=skip=UndefinedVar
ENV A=$B
# check=skip=all

ENV C=$D
# check=skip=all
#
ENV E=$F
# check=skip=StageNameCasing,FromAsCasing,DuplicateStageName,UndefinedArgInFrom
FROM busybox${X} as A
# check=experimental=all
# x
ARG y
