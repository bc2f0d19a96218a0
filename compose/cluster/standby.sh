#!/usr/bin/env bash
# Starts the standby; the first time it copies the primary. After a promotion it starts as what it was then.
set -euo pipefail

if [[ ! -f $PGDATA/PG_VERSION ]]; then
  # Slots are copied through a connection of their own, which needs a database's name. The password is in PGPASSFILE, whose
  # place is written down with the rest.
  primary="host=postgres user=replicator passfile=$PGPASSFILE application_name=standby dbname=postgres"
  # One that was interrupted left half a copy behind: only a whole one gets the name.
  rm -rf "$PGDATA" "$PGDATA.unfinished"
  pg_basebackup --dbname="$primary" --pgdata="$PGDATA.unfinished" --write-recovery-conf --slot=standby \
    --wal-method=stream --checkpoint=fast
  mv "$PGDATA.unfinished" "$PGDATA"
fi

exec docker-entrypoint.sh postgres \
  -c config_file=/etc/walpost/postgresql.conf -c hba_file=/etc/walpost/pg_hba.conf -c 'listen_addresses=*' \
  -c sync_replication_slots=on -c hot_standby_feedback=on
