FROM alpine
VOLUME ["\ud800", "\ud83d\ude00"]
