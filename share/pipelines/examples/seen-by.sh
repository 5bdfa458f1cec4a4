#!/bin/sh
# A filter in one sitting: the message comes on standard input, what is printed becomes the message.
# Status 0: done. 77: refuse it, 75: try again later; the first line on standard error says why.
#
#   mgw-recv --pipeline 'mgw-filter --each share/pipelines/examples/seen-by.sh | …'
#   mgw-filter --each share/pipelines/examples/seen-by.sh <message.eml
#
# This one adds a header field above the others, with the line end that the message uses.
read -r first || exit 75
case $first in
*"$(printf '\r')") end='\r\n' ;;
*) end='\n' ;;
esac
printf "X-Seen-By: %s$end" "$(uname -n)"
printf '%s\n' "$first"
cat
