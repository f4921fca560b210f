/* What the board (board.c) offers to those who are outside of the chip but act in its virtual time:
 * the in-process USB host, USB/IP. Users of vboard.h do not need it. */
#ifndef VBOARD_BOARD_H
#define VBOARD_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vboard;
struct chip;

/* The chip on the board; the same as long as the board exists, powered or not. */
struct chip *board_chip(struct vboard *b);

/* One USB host at a time. `pullup` and `wake` are struct chip_listener's usb_pullup and usb_wake;
 * `power` tells that the board was powered up or has lost power (a cut too): without power there is
 * no pull-up. All are called inside vboard_run or vboard_power. NULL unplugs the host. */
struct board_usb {
    void *owner;
    void (*pullup)(void *owner, bool on);
    void (*wake)(void *owner);
    void (*power)(void *owner, bool on);
};
void board_set_usb(struct vboard *b, const struct board_usb *usb);

/* Emits the event usb{state}: "attached" … "suspended". `state` is a string constant. */
void board_usb_event(struct vboard *b, const char *state);

/* From inside vboard_run: its `until` is asked as soon as the running instruction or event is over, so
 * that a synchronous USB call returns at the instant at which its transfer ended. */
void board_ask(struct vboard *b);

/* `size` bytes at `state` belong to the board's state from now on: vboard_save copies them,
 * vboard_restore puts them back, byte by byte, so pointers in them must stay good. false: no room.
 * A snapshot restores only what was kept when it was taken. */
bool board_keep(struct vboard *b, void *state, size_t size);
void board_forget(struct vboard *b, void *state);

#endif
