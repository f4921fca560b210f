probebare.src := $(addprefix $(PORT)/,clock.c reset.c token.c)
