PROMPT='%~ $ '
alias ll='ls -l'
