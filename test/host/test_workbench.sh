#!/bin/bash
# The workbench on a real Linux host: downloaded with dfu-util, its table read through the serial port.
. "$(dirname "$0")/lib.sh"
plan 5
board nucleo --load build/firmware/boot.hex --option spi1=loop --option spi2=loop --option spi3=loop
in_guest '
check "download and leave" download build/firmware/workbench.bin
check "the workbench comes up as a serial port" await 30 tty_of
t=$(open_tty)
timeout 12 cat "$t" >/run/table
# value NAME: in the first and in the last whole table.
value() { tr -d "\r" </run/table | grep "^$1  *[0-9]*\$" | sed "s/.* //" | sed -n "1p;\$p" | tr "\n" " "; }
tables() { cat /run/table; [ "$(grep -c "^milliseconds" /run/table)" -ge 4 ]; }
check "it prints its table every second" tables
# Wall time may slip, but all counters slip together: rates by its own milliseconds.
rates() {
    set -- $(value milliseconds)
    from=$1 ms=$(($2 - $1)) wrong=0
    [ $ms -ge 3000 ] || return 1
    while read -r rate what; do
        set -- $(value "$what")
        n=$(($2 - $1)) want=$((rate * ms / 1000))
        slack=$((want / 20 + 2))
        echo "$what: $n in $ms ms, $want expected"
        [ $n -ge $((want - slack)) ] && [ $n -le $((want + slack)) ] || wrong=1
    done <<EOT
1000 TIM1 update
2000 TIM1 compare
1000 TIM6
500 TIM15
250 TIM16
10 LPTIM1
10 LPTIM2
1000 ADC1
100 ADC1 DMA
30 I2C2 event
0 I2C2 error
20 I2C2 DMA out
10 I2C2 DMA in
10 EEPROM good
0 EEPROM bad
1000 SPI1
1000 SPI2
1000 SPI3
3000 SPI looped
100 USART1 sent
10 USART2 sent
10 USART2 DMA
1 RTC
750 FPU good
0 FPU bad
EOT
    return $wrong
}
check "every counter goes on at its rate" rates
confirmed() { value confirmed; set -- $(value confirmed); [ "$2" = 1 ]; }
check "it has confirmed itself" confirmed
'
finish
