// What the kernels need from outside, included before the functions of a file are given a target.
#pragma once

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include <type_traits>

#include "tables.h"
