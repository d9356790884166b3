"""Where a cup seals: the analytic prior and surface segments."""
