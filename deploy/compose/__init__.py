"""What `docker-compose.yml` mounts and needs."""
