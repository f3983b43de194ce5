#pragma once
#include "explore/engine/e.hpp"
