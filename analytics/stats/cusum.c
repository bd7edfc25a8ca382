/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/cusum.h"

#include <math.h>

Cusum
cusum_of(const double *values, size_t n_values, double allowance, double cap,
         double limit)
{
    Cusum self = { .from = n_values, .crossed = n_values };

    for (size_t i = 0; i < n_values; i++) {
        const double value = fmin(values[i], cap) - allowance;

        self.sum = fmax(0, self.sum + value);
        self.highest = fmax(self.highest, self.sum);
        if (self.sum <= 0)
            self.from = n_values;
        else if (self.from == n_values)
            self.from = i;
        if (self.sum >= limit && self.crossed == n_values)
            self.crossed = i;
    }
    return self;
}
