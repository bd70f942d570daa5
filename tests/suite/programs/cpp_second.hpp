// What the other source file of the program offers.
#ifndef CPP_SECOND_HPP
#define CPP_SECOND_HPP

void second_unit(const char *offline_dir);

#endif
