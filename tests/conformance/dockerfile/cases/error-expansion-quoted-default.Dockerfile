FROM a
ENV q=a
ENV o=${q#"a${UNSET:-"\b"}"}
