"""The MuJoCo cell as a driver."""
