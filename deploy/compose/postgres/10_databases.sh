#!/usr/bin/env bash
# Runs once, on an empty volume: for each service one database that no other service may enter, a role that owns
# and migrates it, and a role that serves and owns nothing (what that one may do, the migrations grant).
# The passwords are those in the services' own secrets, so that they are written down once.
set -euo pipefail

secrets=${SECRETS_FOLDER:-/run/secrets}

password_in() {
    local url password
    url=$(cat "$secrets/$1")
    password=${url#*://*:}
    printf %s "${password%%@*}"
}

for service in sessions charts billing_bridge printing; do
    # The settings' prefix is the first word of the service's name.
    owner=$(password_in "opencircle_${service%%_*}_owner_url")
    server=$(password_in "opencircle_${service%%_*}_database_url")
    # Passwords travel by standard input: arguments can be seen in a list of processes.
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<SQL
CREATE ROLE $service LOGIN PASSWORD '$owner';
CREATE ROLE ${service}_service LOGIN PASSWORD '$server';
CREATE DATABASE $service OWNER $service;
REVOKE ALL ON DATABASE $service FROM PUBLIC;
GRANT CONNECT ON DATABASE $service TO ${service}_service;
SQL
done
