FROM withonbuild AS one
RUN own
FROM one
RUN last
