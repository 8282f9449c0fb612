#!/usr/bin/env bash
# Runs once, on an empty volume: for each service one login role and one database that no other role may enter.
# The passwords are those in the services' own secrets, so that they are written down once.
set -euo pipefail

secrets=${SECRETS_FOLDER:-/run/secrets}

for service in sessions charts billing_bridge printing; do
    # The settings' prefix is the first word of the service's name.
    url=$(cat "$secrets/opencircle_${service%%_*}_database_url")
    password=${url#*://*:}
    password=${password%%@*}
    # The password travels by standard input: arguments can be seen in a list of processes.
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<SQL
CREATE ROLE $service LOGIN PASSWORD '$password';
CREATE DATABASE $service OWNER $service;
REVOKE ALL ON DATABASE $service FROM PUBLIC;
SQL
done
