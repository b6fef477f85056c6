"""Quality benchmark: compare neurons of every recipe with their teacher on prompts and questions unseen in training."""
