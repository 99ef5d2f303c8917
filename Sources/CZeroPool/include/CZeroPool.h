#ifndef CZEROPOOL_H
#define CZEROPOOL_H
#endif
