FROM a
ADD --unpack http://h.example/x.tar /y
ADD --unpack=false http://h.example/x.tar /y
ADD --unpack=false x.tar /y
ADD --unpack=true x.tar /y
ADD --unpack=TRUE --link http://h.example/x.tar x.tar /y/
