// expect: kurier: no serializer for this type: specialise kurier::serializer<T>
// Kafka has no unsigned serializers: two programs would disagree about the upper half.
#include <kurier/serializers/integral.hpp>

static_assert(kurier::check_serializer<kurier::serializer<unsigned>, unsigned>());
