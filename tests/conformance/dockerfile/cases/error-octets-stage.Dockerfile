FROM alpine AS café
