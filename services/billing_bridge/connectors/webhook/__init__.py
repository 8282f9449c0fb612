"""Standard Webhooks 1.0 (https://www.standardwebhooks.com): one signed POST for each charge."""
