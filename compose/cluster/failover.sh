#!/usr/bin/env bash
# Makes the standby the primary: bash compose/cluster/failover.sh, from the root of the clone.
# The programs go on with the name "postgres", which the standby's container takes over.
set -euo pipefail
cd "$(dirname "$0")/../.."
compose() { docker compose -f compose.yaml -f compose/cluster.yaml --progress quiet "$@"; }

old=$(compose ps --all --quiet postgres)
new=$(compose ps --quiet postgres-standby)
[[ -n $new ]] || { echo "failover: postgres-standby is not running, so there is nothing to fail over to" >&2; exit 1; }
names=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{join .Aliases " "}}{{end}}' "$new")
if [[ $(compose exec -T postgres-standby psql -U postgres -XAtc 'SELECT pg_is_in_recovery()') == t ]]; then
  # First of all nobody may write to the old one any more, now or after a restart.
  compose kill postgres 2>/dev/null || true
  docker run --rm --volumes-from "$old" --entrypoint bash "$(docker inspect --format '{{.Image}}' "$old")" \
    -c 'touch /var/lib/postgresql/18/docker/standby.signal'
  compose exec -T -u postgres postgres-standby pg_ctl promote -w -s
elif [[ " $names " == *" postgres "* ]]; then
  echo "failover: postgres-standby is the primary already" >&2
  exit 1
fi
# What was interrupted before this is taken up here.
network=$(docker inspect --format '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}' "$old")
docker network disconnect "$network" "$new" 2>/dev/null || true
docker network connect --alias postgres --alias postgres-standby "$network" "$new"

echo "postgres-standby is the primary now; on this machine it is at port ${POSTGRES_STANDBY_PORT:-5433}."
echo "The old one starts read-only and must not come back: take its volume away before the next up."
