#pragma once
#include "bench/b.hpp"
#include "rcuvm/designs/d.hpp"
