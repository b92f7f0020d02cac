// A part of a program, as text and as an object that is handed over
#include <kurier/config/print.hpp>
#include <kurier/uuid.hpp>

#ifdef FIRST
std::string from_the_other();
std::size_t partitions_asked(const kurier::producer_config& config);

int main()
{
#ifdef HAND_OVER
    return partitions_asked(kurier::producer_config{"localhost:9092"}) == 0;
#else
    return to_string(kurier::uuid{}) == "00000000-0000-0000-0000-000000000000" &&
                   from_the_other() == "another version"
               ? 0
               : 1;
#endif
}
#else
std::string from_the_other()
{
    return to_string(kurier::uuid{});
}
std::size_t partitions_asked(const kurier::producer_config& config)
{
    return config.client_id.size();
}
#endif
