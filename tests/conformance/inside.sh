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
api) # METHOD PATH [BODY] ...: body, then status and type of each answer; BODY begins with { or @, which is taken off
	while [ $# -gt 0 ]; do
		method=$1 path=$2 body=
		shift 2
		case ${1-} in '{'* | '@'*) body=${1#@} && shift ;; esac
		curl --silent --max-time 5 --unix-socket api.sock --request "$method" ${body:+--data-binary "$body"} \
			--write-out '\n%{http_code} %{content_type}\n' "http://rootlesskit$path" | sed '/^$/d'
	done
	;;
info) # the fields of the contract, without what differs from start to start; there may be more
	curl --silent --max-time 5 --unix-socket api.sock http://rootlesskit/v1/info | python3 -c '
import json, sys
info = json.load(sys.stdin)
assert info["childPID"] == int(open("child_pid").read())
for key in "apiVersion", "version", "stateDir", "networkDriver", "portDriver":
    value = info.get(key, "absent")
    if isinstance(value, dict):
        value.pop("extra", None)
        value.pop("ipv6", None)
    print(key, json.dumps(value))'
	;;
has) # NAME...: those that are there, with their kind
	for name; do [ ! -e "$name" ] || stat -c '%F %n' "$name"; done ;;
same) # KIND...: that namespace is the host's, or an own one
	for kind; do
		case " $HOST_NS " in *" $(readlink "/proc/self/ns/$kind") "*) echo "$kind same" ;; *) echo "$kind own" ;; esac
	done ;;
kill) kill -s "$1" "$(cat child_pid)" && sleep 5 ;;
killparent) kill -s "$1" "$(parent)" && sleep 5 ;;
sh) eval "$1" ;;
*) exit 98 ;;
esac
