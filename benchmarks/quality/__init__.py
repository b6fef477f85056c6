"""Does a neuron behave like its teacher? Every recipe, on prompts and questions that no training has seen."""
