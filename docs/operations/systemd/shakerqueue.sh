#!/bin/sh
# /usr/local/bin/shakerqueue: the commands, with the settings of the services.
#   sudo -u shakerqueue shakerqueue dead-letters list
set -eu
set -a
. "${ENVIRONMENT:-/etc/shakerqueue/environment}"
set +a
exec "${PROGRAM:-/opt/shakerqueue/.venv/bin/shakerqueue}" "$@"
