#!/usr/bin/env bash
# A container's health check, for an image without curl: probe.sh HOST PORT PATH ends with 0 when the answer is 200. Node
# would take a tenth of a second of a core for it, each second and in each container while all of them start.
exec 3<> "/dev/tcp/$1/$2" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$3" >&3
# What is not ready says why; docker inspect shows it.
answer=$(cat <&3)
[[ $answer == 'HTTP/1.1 200 '* ]] || { echo "${answer##*$'\r\n\r\n'}"; exit 1; }
