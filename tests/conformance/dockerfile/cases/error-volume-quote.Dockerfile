FROM a
VOLUME "/q r"
