probe.at := slot
probe.src := $(addprefix $(PORT)/,clock.c reset.c token.c)
