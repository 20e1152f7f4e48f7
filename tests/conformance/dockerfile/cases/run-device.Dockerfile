FROM a
RUN --device=vendor1.com/device=foo x
RUN --device=vendor1.com/device x
RUN --device=vendor1.com/device=foo,required x
RUN --device=vendor1.com/d=*,required=true --device=name=v.com/e=1,required=FALSE x
RUN --device=Name=v.com/x,Required x
RUN --device=required x
RUN --device=required=1,v.com/x=y x
