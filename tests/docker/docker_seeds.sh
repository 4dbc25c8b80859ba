# SPDX-License-Identifier: Apache-2.0
# docker_seeds.sh - the line of the documents of rootless Docker: a mount on /run/docker first; vfs
# deadline: 120
. "${0%/*}/lib.sh"
RK_NAME=rootlesskit
make_data
rk_start --net=slirp4netns --disable-host-loopback --copy-up=/etc --copy-up=/run \
	sh -ec "mkdir -p /run/docker; mount -t tmpfs none /run/docker; exec dockerd --storage-driver=vfs --data-root=$DATA" || exit
wait_dockerd
import_box
like "vfs" "$(docker info 2>&1)" "*Storage Driver: vfs*"
is "a mount of its own on /run/docker" "$(in_child stat -f -c %T /run/docker)" tmpfs
is "root in a container" "$(docker run --rm box id -u)" 0
is "what a container writes stays its own" "$(docker run --rm box sh -c 'echo x >/w/new && cat /w/new'; docker run --rm box sh -c 'test -e /w/new || echo gone')" "x
gone"
stop_dockerd
