/* The backup domain as a list of words, for flash state files: what VBAT keeps (RM0394 "Battery backup
 * domain"). docs/vboard-state.md lists the words in this order. */
#include "chip/state.h"

#define RTC(member) offsetof(struct rtc_state, member)

/* After RCC_BDCR; offsets of uint32_t in struct rtc_state. The backup registers follow. */
static const size_t words[] = {
    RTC(tr),       RTC(dr),       RTC(ssr),         RTC(cr),          RTC(isr),  RTC(prer),      RTC(wutr),
    RTC(alarm[0]), RTC(alarm[1]), RTC(alarm_ss[0]), RTC(alarm_ss[1]), RTC(tstr), RTC(tsdr),      RTC(tsssr),
    RTC(calr),     RTC(tampcr),   RTC(option),      RTC(apre),        RTC(wut),  RTC(wut_phase),
};
enum { WORDS = sizeof words / sizeof words[0] };
_Static_assert(1 + WORDS + 1 + 32 == CHIP_BACKUP_WORDS, "docs/vboard-state.md");

static uint32_t *word(struct rtc_state *s, size_t i)
{
    return (uint32_t *)(void *)((uint8_t *)s + words[i]);
}

bool chip_backup_read(struct chip *c, uint32_t list[CHIP_BACKUP_WORDS])
{
    if (c->backup_lost)
        return false;
    rtc_settle(c);
    *list++ = c->rcc.reg[RCC_BDCR / 4];
    for (size_t i = 0; i < WORDS; i++)
        *list++ = *word(&c->rtc, i);
    *list++ = c->rtc.key;
    for (size_t i = 0; i < 32; i++)
        *list++ = c->rtc.bkp[i];
    return true;
}

void chip_backup_write(struct chip *c, const uint32_t list[CHIP_BACKUP_WORDS])
{
    rtc_reset(c, 0);
    c->backup_lost = false;
    c->rcc.reg[RCC_BDCR / 4] = *list++;
    for (size_t i = 0; i < WORDS; i++)
        *word(&c->rtc, i) = *list++;
    c->rtc.key = (uint8_t)*list++;
    for (size_t i = 0; i < 32; i++)
        c->rtc.bkp[i] = *list++;
}
