// Prints what happens to the ttyUSB and ttyACM nodes in /dev, a line each: "+ name" made, "= name" owner or mode
// changed (udev's rules), "- name" gone. The host takes the time.
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(void) {
    int watch = inotify_init();
    if (watch < 0 || inotify_add_watch(watch, "/dev", IN_CREATE | IN_DELETE | IN_ATTRIB) < 0)
        return 1;
    static char events[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    for (;;) {
        ssize_t length = read(watch, events, sizeof events);
        if (length <= 0)
            return 1;
        for (char *at = events; at < events + length;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            at += sizeof *event + event->len;
            if (!event->len || (strncmp(event->name, "ttyUSB", 6) && strncmp(event->name, "ttyACM", 6)))
                continue;
            printf("%c %s\n", event->mask & IN_CREATE ? '+' : event->mask & IN_DELETE ? '-' : '=', event->name);
            fflush(stdout);
        }
    }
}
