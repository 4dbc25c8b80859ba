#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_user.sh - the unprivileged user of the tests, with 65536 subordinate ids; as root
set -eu
user=$1

# a range above all that are given away, in the file $1
free_start() {
	awk -F: 'BEGIN { end = 100000 } $2 + $3 > end { end = $2 + $3 } END { print end }' "$1"
}

[ -f /etc/subuid ] || : >/etc/subuid
[ -f /etc/subgid ] || : >/etc/subgid
if id "$user" >/dev/null 2>&1 && grep -q "^$user:" /etc/subuid && grep -q "^$user:" /etc/subgid; then
	exit 0
fi
mkdir -p /run/lock
exec 9>/run/lock/rs-test-user # two tests may start at once
flock 9
id "$user" >/dev/null 2>&1 || useradd --no-create-home --home-dir "/home/$user" --shell /bin/sh "$user"
for file in /etc/subuid /etc/subgid; do
	grep -q "^$user:" "$file" || echo "$user:$(free_start "$file"):65536" >>"$file"
done
