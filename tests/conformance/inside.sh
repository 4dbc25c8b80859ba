#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# inside.sh - what the cases run as the command: inside WHAT [ARG...]
set -u
cd "$ROOTLESSKIT_STATE_DIR" || exit 99
# RootlessKit may start the command before it has written its files
tries=100
until [ -S api.sock ] || [ $tries = 0 ]; do
	tries=$((tries - 1))
	sleep 0.05
done
what=$1
shift
parent() { sed -n 's/^PPid:[^0-9]*//p' "/proc/$(cat child_pid)/status"; }
case $what in
api) # METHOD PATH [BODY]...: status, type and body of each answer; PID and version are not the contract's
	while [ $# -gt 0 ]; do
		method=$1 path=$2 body=
		shift 2
		case ${1-} in '{'* | '@'*) body=${1#@} && shift ;; esac
		set -- "$@"
		curl --silent --max-time 5 --unix-socket api.sock --request "$method" ${body:+--data-binary "$body"} \
			--write-out '\n%{http_code} %{content_type}\n' "http://rootlesskit$path" |
			sed "s/\"childPID\":$(cat child_pid)/\"childPID\":N/; s/\"\\(apiVersion\\|version\\)\":\"[^\"]*\"/\"\\1\":\"V\"/g; /^\$/d"
	done
	;;
files) stat -c '%A %n' -- "$@" 2>&1 ;;
has) # NAME...: those that are there, with their kind
	for name; do [ ! -e "$name" ] || stat -c '%F %n' "$name"; done ;;
same) # PATH: the namespace of that kind is the host's or not
	for kind; do
		host=$(readlink "/proc/$(parent)/ns/$kind") own=$(readlink "/proc/self/ns/$kind")
		if [ "$host" = "$own" ]; then echo "$kind same"; else echo "$kind own"; fi
	done ;;
kill) kill -s "$1" "$(cat child_pid)" && sleep 5 ;;
killparent) kill -s "$1" "$(parent)" && sleep 5 ;;
sh) eval "$1" ;;
*) exit 98 ;;
esac
