// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A version that is kept as long as it is wanted, beyond any read section.

#include <utility>

#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/tree/sharing.hpp"
#include "rcuvm/tree/view.hpp"

namespace rcuvm::tree {

/// A view that holds a reference to its version. May outlive the tree, but not the tree's limbo.
///
/// Release   by any thread, outside read sections: what nobody else holds is retired, and that may have to
///           wait.
/// Readers   any number, as of a view. To take, move or release a snapshot is for one thread at a time.
/// Cost      taking: one atomic addition on the root, whatever the tree's size. Releasing: one subtraction;
///           if it was the version's last holder, all nodes that no other version has are retired.
/// Kernel    has no such thing: /proc/PID/maps looks up again between its chunks.
template <class T, class Layout>
class snapshot : public view<T, Layout> {
 public:
  snapshot() noexcept = default;
  /// Takes over one reference to `held`, which may be null.
  snapshot(link<Layout> held, reclaim::limbo& limbo) noexcept : view<T, Layout>{held}, limbo_{&limbo} {}
  snapshot(snapshot&& from) noexcept : view<T, Layout>{from.root()}, limbo_{from.limbo_} {
    from.set_root({});
  }
  snapshot& operator=(snapshot&& from) noexcept {
    if (this == &from) return *this;
    release();
    limbo_ = from.limbo_;
    this->set_root(from.root());
    from.set_root({});
    return *this;
  }
  ~snapshot() { release(); }

  /// Gives the version back early; the snapshot is empty then.
  void release() noexcept {
    const link<Layout> held = this->root();
    if (held.is_null()) return;
    this->set_root({});
    reclaim::retire_list retired;
    sharing<T, Layout>::release(held, retired);
    if (!retired.is_empty()) limbo_->retire(std::move(retired));
  }

 private:
  reclaim::limbo* limbo_ = nullptr;  ///< guard: the snapshot's holder
};

}  // namespace rcuvm::tree
