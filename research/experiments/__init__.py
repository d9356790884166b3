"""Ways to learn against each other."""
