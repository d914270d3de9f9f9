"""One run of the job: its plan, its steps, the engines that execute them, its counts."""
