/* Lint of vector table and information block: what tells that an image cannot run in the slot. */
#include "boot/core/image.h"
#include "boot/core/config.h"

/* System vectors besides reset that hold addresses of handlers: NMI to UsageFault, SVCall, DebugMonitor,
 * PendSV, SysTick. */
#define HANDLERS 0xD87Cu

static bool is_stack(uint32_t sp)
{
    /* The stack grows down from there, so the end of SRAM itself is right and its start is not. */
    return sp % 4 == 0 && ((sp > RAM_ADDR && sp <= RAM_ADDR + RAM_SIZE) ||
                           (sp > SRAM2_ADDR && sp <= SRAM2_ADDR + SRAM2_SIZE));
}

static uint32_t vector(const void *head, unsigned n)
{
    uint32_t word;
    __builtin_memcpy(&word, (const uint8_t *)head + (size_t)4 * n, sizeof word);
    return word;
}

enum message image_lint(const void *head, size_t have)
{
    if (have < 8)
        return MESSAGE_READY; /* too little to tell */
    uint32_t sp = vector(head, 0), reset = vector(head, 1);
    switch (sp) {
    case 0x464C457F: return MESSAGE_ELF_FILE; /* 7F "ELF" */
    case 0x53756644: return MESSAGE_DFU_FILE; /* "DfuSe" */
    case 0x3032303A: return MESSAGE_HEX_FILE; /* ":02000004...", as HEX files begin that go beyond 64 KB */
    case 0xFFFFFFFF:
    case 0: return MESSAGE_EMPTY;
    default: break;
    }
    if (!is_stack(sp))
        return MESSAGE_BAD_STACK;
    if (reset % 2 == 0 || reset - (SLOT_ADDR + 8) >= SLOT_SIZE - 8)
        return MESSAGE_NOT_HERE;
    for (unsigned i = 2; i < 16 && i < have / 4; i++)
        if ((HANDLERS >> i & 1) && vector(head, i) - FLASH_ADDR < SLOT_ADDR - FLASH_ADDR)
            return MESSAGE_NOT_HERE;
    return MESSAGE_READY;
}

uint32_t image_info_address(const struct image_head *head)
{
    uint32_t at = head->vector[IMAGE_INFO_VECTOR];
    bool inside = at % 4 == 0 &&
                  at - (SLOT_ADDR + sizeof *head) <= SLOT_SIZE - sizeof *head - sizeof(struct image_info);
    return inside ? at : 0;
}

bool image_info_valid(const struct image_info *info)
{
    return info->magic == IMAGE_INFO_MAGIC && info->size >= sizeof *info;
}

bool image_info_packed(const struct image_info *info, uint32_t address)
{
    return info->length <= SLOT_SIZE && address - SLOT_ADDR + sizeof *info <= info->length;
}

enum message image_info_board(const struct image_info *info)
{
    return !BOARD_ID || !info->board || info->board == BOARD_ID ? MESSAGE_READY : MESSAGE_WRONG_BOARD;
}
