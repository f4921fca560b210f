romjump.src := $(addprefix $(PORT)/,board.c clock.c)
