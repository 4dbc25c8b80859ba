# SPDX-License-Identifier: Apache-2.0
# docs_commands.sh - every command in the `sh` blocks of the documents is run as it stands there, or named with a reason
# deadline: 120
. "${0%/*}/lib.sh"
need tool:python3 tool:meson tool:nft tool:ss tool:findmnt

# As on a machine of a newcomer: installed in /usr/local, the tree in a directory of root, the PATH of Debian's login
mount -t tmpfs -o mode=755 docs /usr/local
mkdir /usr/local/bin
rm -r "$RK_BIN"/root* "$RK_BIN"/docker-root*
TREE=$T/tree
mkdir -p "$TREE/tests/integration"
for entry in "$RK_SRC"/* "$RK_SRC"/tests/* "$RK_SRC"/tests/integration/*; do
	[ -e "$TREE/${entry#"$RK_SRC"/}" ] || ln -s "$entry" "$TREE/${entry#"$RK_SRC"/}"
done
rm -f "$TREE"/build*
ln -s "$(realpath "$RK_BUILD")" "$TREE/build"
rk_env=$(echo "$rk_env" | sed 's#DOCKER_HOST=[^ ]*##; s#^PATH=[^ ]*#PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games#')

RK_PREFIX="$rk_user $rk_env" python3 "${0%/*}/docs_commands.py" "$TREE" "$T/docs" >"$T/tap" 2>"$T/python" || fail "the runner ends" "$(cat "$T/python")"
tap_of "$T/tap"
umount /usr/local
rm -rf "$RK_RUN/docker" "$RK_RUN/runc" "$RK_RUN/docker.pid" "$RK_RUN/docker.sock" "$RK_RUN/dockerd-rootless" "$RK_RUN/rs" "$RK_HOME/.config" "$RK_HOME/.local" "$RK_HOME/.docker"
