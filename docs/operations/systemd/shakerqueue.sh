#!/bin/sh
# /usr/local/bin/shakerqueue: the commands, with the settings of the services.
#   sudo -u shakerqueue shakerqueue dead-letters list
set -eu
set -a
. "${ENVIRONMENT:-/etc/shakerqueue/environment}"
PYTHONPATH=${CLONE:-/opt/shakerqueue}
set +a
exec "${PYTHON:-/opt/shakerqueue/.venv/bin/python}" -m shakerqueue.cli "$@"
