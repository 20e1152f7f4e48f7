FROM busybox
CMD ["a"]
# check=skip=MultipleInstructionsDisallowed
CMD ["b"]
CMD ["c"]
