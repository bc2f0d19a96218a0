#!/bin/sh
# Runs a program with the files of /run/secrets as its variables: for images that take a secret in no other way.
set -eu
for file in /run/secrets/*; do
  value=$(cat "$file")
  export "${file##*/}=$value"
done
exec "$@"
