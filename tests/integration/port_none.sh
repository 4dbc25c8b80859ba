# SPDX-License-Identifier: Apache-2.0
# port_none.sh - published ports with --net=none: the child has its loopback only
. "${0%/*}/lib.sh"
need userns

rk_start --net=none -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,127.0.0.1,7 || exit
wait_for 5 grep -q ready "$RK_OUT"
is "TCP through the port" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
is "nothing else leads out" "$(in_child nsprobe connect 192.0.2.2 7)" ENETUNREACH
like "the API says none" "$(as_user rootlessctl --socket "$STATE/api.sock" info)" '*Network Driver: none*Port Driver: builtin*'
rk_stop
